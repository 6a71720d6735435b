// What the phone keeps: the outbox of each driver, the last day that was seen, the device's number.
import { openDB } from "./idb.js";

const opened = openDB("estafette-driver", 1, {
  upgrade(db) {
    const outbox = db.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    outbox.createIndex("driver", "driver");
    db.createObjectStore("kept");
  },
  blocking(_from, _to, event) { event.target.close(); location.reload(); },
});

export const get = async (name) => (await opened).get("kept", name);
export const put = async (name, value) => (await opened).put("kept", value, name);
export const drop = async (name) => (await opened).delete("kept", name);

export const items = async (driver) => (await opened).getAllFromIndex("outbox", "driver", driver);
export const everyItem = async () => (await opened).getAll("outbox");
export const add = async (item) => (await opened).add("outbox", item);

// Writes what has changed of items, and forgets others, in one transaction.
export async function change(changed, gone = []) {
  const work = (await opened).transaction("outbox", "readwrite");
  for (const item of changed) work.store.put(item);
  for (const item of gone) work.store.delete(item.order);
  await work.done;
}

// Gives items their places in the device's sequence, which has no gap, and keeps both together.
export async function numbered(driver, chosen, afresh) {
  const work = (await opened).transaction(["outbox", "kept"], "readwrite");
  const kept = work.objectStore("kept");
  let device = await kept.get(`device:${driver}`);
  if (!device || afresh) device = { id: crypto.randomUUID(), next: 1 };
  for (const item of chosen) {
    if (item.sequence && !afresh) continue;
    item.sequence = device.next++;
    work.objectStore("outbox").put(item);
  }
  kept.put(device, `device:${driver}`);
  await work.done;
  return device.id;
}
