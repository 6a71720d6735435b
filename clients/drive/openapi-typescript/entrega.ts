// Entrega's API by openapi-typescript and openapi-fetch: a server's base address and an API key.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

const [base, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${key}` } });

const quoted: components['schemas']['QuoteRequest'] = {
  origin: { address_line: 'Rua Rainha Ginga 31', city: 'Luanda', province: 'Luanda' },
  destination: {
    address_line: 'Avenida Brasil 110, Maianga',
    city: 'Luanda',
    province: 'Luanda',
    contact: { name: 'Teresa M.', phone: '+244 923 444 555' },
  },
  parcel: { weight_grams: 900, description: 'Livros' },
};

async function drive(): Promise<void> {
  const couriers = await client.GET('/couriers');
  assert(couriers.data, JSON.stringify(couriers.error));
  const hours = couriers.data.data.map((each) => each.operating_hours?.mon?.[0]?.[0]);
  assert(hours.some((opens) => opens !== undefined));

  const quotes = await client.POST('/quotes', { body: quoted });
  assert(quotes.data, JSON.stringify(quotes.error));
  const [cheapest] = quotes.data.data;
  assert(cheapest);

  const order: components['schemas']['DeliveryRequest'] = {
    ...quoted,
    quote_id: cheapest.quote_id,
    payment_method: 'prepaid',
    options: { metadata: { order: 'L-2041', lines: [1, 2] } },
  };
  const created = await client.POST('/deliveries', {
    params: { header: { 'Idempotency-Key': randomUUID() } },
    body: order,
  });
  assert(created.data, JSON.stringify(created.error));
  const path = { id: created.data.data.id };
  assert.equal(created.data.data.status, 'pending');
  assert.equal(created.data.data.options.metadata['order'], 'L-2041');

  const got = await client.GET('/deliveries/{id}', { params: { path } });
  assert(got.data, JSON.stringify(got.error));
  assert.deepEqual(got.data, created.data);

  const listed = await client.GET('/deliveries', {
    params: { query: { status: ['pending', 'assigned'], limit: 100 } },
  });
  assert(listed.data, JSON.stringify(listed.error));
  assert(listed.data.data.some((each) => each.id === path.id));

  const events = await client.GET('/deliveries/{id}/events', { params: { path } });
  assert.equal(events.data?.data[0]?.event_type, 'delivery.created');
  const tracked = await client.GET('/deliveries/{id}/tracking', { params: { path } });
  assert.equal(tracked.data?.reference, created.data.data.reference);

  const cancelled = await client.DELETE('/deliveries/{id}', { params: { path } });
  assert.equal(cancelled.data?.data.status, 'cancelled');
  const again = await client.DELETE('/deliveries/{id}', { params: { path } });
  assert.equal(again.error?.status, 409);

  const used = await client.POST('/deliveries', { body: order });
  assert.equal(used.error?.error, 'quote_already_used');
}

void drive();
