// Entrega's API by a client of @hey-api/openapi-ts: a server's base address and an API key.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  cancelDelivery,
  createDelivery,
  createQuotes,
  getDelivery,
  listDeliveries,
  listEvents,
  type DeliveryRequest,
  type QuoteRequest,
} from './client';
import { client } from './client/client.gen';

const [base, key] = process.argv.slice(2);
client.setConfig({ baseUrl: base, auth: key });

const quoted: QuoteRequest = {
  origin: { address_line: 'Rua Rainha Ginga 31', city: 'Luanda', province: 'Luanda' },
  destination: { address_line: 'Avenida Brasil 110', city: 'Luanda', province: 'Luanda' },
  parcel: { weight_grams: 900, description: 'Livros' },
};

async function drive(): Promise<void> {
  const quotes = await createQuotes({ body: quoted });
  assert(quotes.data, JSON.stringify(quotes.error));
  const [cheapest] = quotes.data.data;
  assert(cheapest);

  const order: DeliveryRequest = {
    ...quoted,
    quote_id: cheapest.quote_id,
    options: { metadata: { order: 'L-2041' } },
  };
  const created = await createDelivery({
    body: order,
    headers: { 'Idempotency-Key': randomUUID() },
  });
  assert(created.data, JSON.stringify(created.error));
  const path = { id: created.data.data.id };
  assert.equal(created.data.data.options.metadata['order'], 'L-2041');

  const got = await getDelivery({ path });
  assert.deepEqual(got.data, created.data);

  const listed = await listDeliveries({ query: { status: ['pending', 'assigned'], limit: 100 } });
  assert(listed.data, JSON.stringify(listed.error));
  assert(listed.data.data.some((each) => each.id === path.id));

  const events = await listEvents({ path });
  assert.equal(events.data?.data[0]?.event_type, 'delivery.created');

  const cancelled = await cancelDelivery({ path });
  assert.equal(cancelled.data?.data.status, 'cancelled');
  const again = await cancelDelivery({ path });
  assert.equal(again.error?.status, 409);

  const used = await createDelivery({ body: order });
  assert.equal(used.error?.error, 'quote_already_used');
}

void drive();
