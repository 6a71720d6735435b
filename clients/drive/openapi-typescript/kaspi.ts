// Kaspi's API by openapi-typescript and openapi-fetch: a server's base address and an API key.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

const [base, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: base, headers: { 'x-api-key': key } });

const order: components['schemas']['DeliveryRequest'] = {
  externalOrderId: `order-${randomUUID()}`,
  pickup: {
    address: '55 Tole Bi, Almaty',
    contact: { name: 'Warehouse 2', phone: '+7 727 222 0000' },
  },
  dropoff: {
    address: '9 Dostyk Ave, Almaty',
    contact: { name: 'Aigerim S.', phone: '+7 705 222 2222' },
    notes: 'Ring twice',
  },
  parcel: { description: 'Books', weightGrams: 900, valueKzt: 24000 },
};

async function drive(): Promise<void> {
  const created = await client.POST('/v1/deliveries', {
    params: { header: { 'Idempotency-Key': randomUUID() } },
    body: order,
  });
  assert(created.data, JSON.stringify(created.error));
  const path = { deliveryId: created.data.deliveryId };
  assert.equal(created.data.status, 'created');

  const got = await client.GET('/v1/deliveries/{deliveryId}', {
    params: { path, query: { includeHistory: true } },
  });
  assert(got.data, JSON.stringify(got.error));
  assert.deepEqual(got.data.dropoff, order.dropoff);
  assert.equal(got.data.history?.[0]?.status, 'created');

  const listed = await client.GET('/v1/deliveries', {
    params: { query: { status: ['created', 'accepted'], limit: 100 } },
  });
  assert(listed.data, JSON.stringify(listed.error));
  assert(listed.data.data.some((each) => each.deliveryId === path.deliveryId));

  const cancelled = await client.POST('/v1/deliveries/{deliveryId}/cancel', {
    params: { path },
    body: { reason: 'The customer changed the address' },
  });
  assert(cancelled.data, JSON.stringify(cancelled.error));
  assert.equal(cancelled.data.status, 'cancelled');

  const again = await client.POST('/v1/deliveries/{deliveryId}/cancel', { params: { path } });
  assert.equal(again.response.status, 409);
  assert.equal(again.error?.code, 'conflict');

  const nowhere = await client.POST('/v1/webhooks/test', { body: { url: 'nowhere' } });
  assert(nowhere.error && 'details' in nowhere.error);
  assert.equal(nowhere.error.details[0]?.field, 'url');
}

void drive();
