// Reads the code in a picture by ZXing in WebAssembly, in a thread of its own: WebAssembly is allowed
// here alone (files.py), and a slow phone goes on scrolling.
"use strict";
importScripts("zxing.js");

const OPTIONS = { formats: ["QRCode", "Code128", "EAN13", "DataMatrix"], tryHarder: true, maxNumberOfSymbols: 1 };
const beside = new URL("zxing.wasm", location.href).href;

ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => beside }, fireImmediately: true }).then(
  () => postMessage({ isReady: true }),
  (error) => postMessage({ error: String(error) }),
);

onmessage = async ({ data }) => {
  const found = await ZXingWASM.readBarcodes(data, OPTIONS).catch(() => []);
  postMessage({ text: found.find((one) => one.isValid && one.text)?.text ?? null });
};
