// Kaspi's API by a client of @hey-api/openapi-ts: a server's base address and an API key.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  cancelDelivery,
  createDelivery,
  getDelivery,
  listDeliveries,
  sendTestWebhook,
  type DeliveryRequest,
} from './client';
import { client } from './client/client.gen';

const [base, key] = process.argv.slice(2);
client.setConfig({ baseUrl: base, auth: key });

const order: DeliveryRequest = {
  externalOrderId: `order-${randomUUID()}`,
  pickup: {
    address: '55 Tole Bi, Almaty',
    contact: { name: 'Warehouse 2', phone: '+7 727 222 0000' },
  },
  dropoff: {
    address: '9 Dostyk Ave, Almaty',
    contact: { name: 'Aigerim S.', phone: '+7 705 222 2222' },
  },
  parcel: { description: 'Books', weightGrams: 900, valueKzt: 24000 },
};

async function drive(): Promise<void> {
  const created = await createDelivery({
    body: order,
    headers: { 'Idempotency-Key': randomUUID() },
  });
  assert(created.data, JSON.stringify(created.error));
  const path = { deliveryId: created.data.deliveryId };

  const got = await getDelivery({ path, query: { includeHistory: true } });
  assert(got.data, JSON.stringify(got.error));
  assert.equal(got.data.externalOrderId, order.externalOrderId);
  assert.equal(got.data.history?.[0]?.status, 'created');

  const listed = await listDeliveries({ query: { status: ['created', 'accepted'], limit: 100 } });
  assert(listed.data, JSON.stringify(listed.error));
  assert(listed.data.data.some((each) => each.deliveryId === path.deliveryId));

  const cancelled = await cancelDelivery({ path, body: { reason: 'The address has changed' } });
  assert.equal(cancelled.data?.status, 'cancelled');
  const again = await cancelDelivery({ path });
  assert(again.error && again.error.code === 'conflict');

  const nowhere = await sendTestWebhook({ body: { url: 'nowhere', type: 'delivery.accepted' } });
  assert(nowhere.error && 'details' in nowhere.error);
  assert.equal(nowhere.error.details[0]?.field, 'url');
}

void drive();
