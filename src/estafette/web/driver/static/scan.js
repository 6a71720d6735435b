// Reads a code by the camera or in a photo: by the browser's own detector, else by one in WebAssembly,
// which is fetched then, and works in a thread and under a policy of its own (reader.js).

const FORMATS = ["qr_code", "code_128", "ean_13", "data_matrix"];
const LONGEST = 1280; // pixels of the longer side, in which a code is looked for
const EVERY = 200; // milliseconds between two looks of the camera

async function ofBrowser() {
  if (!("BarcodeDetector" in window)) return null;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!known.includes("qr_code")) return null;
  const detector = new BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) });
  return async (picture) => (await detector.detect(picture))[0]?.rawValue ?? null;
}

function pixels(picture) {
  const width = picture.videoWidth || picture.width, height = picture.videoHeight || picture.height;
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

function ofThread() {
  return new Promise((done, fail) => {
    const thread = new Worker(new URL("./reader.js", import.meta.url));
    const asked = []; // who waits for an answer, in the order in which they asked
    const lose = (why) => {
      for (const answer of asked.splice(0)) answer(null);
      thread.terminate();
      detector = null;
      fail(why);
    };
    const read = (picture) => new Promise((answer) => {
      const taken = pixels(picture);
      asked.push(answer);
      thread.postMessage(taken, [taken.data.buffer]);
    });
    thread.onmessage = ({ data }) => {
      if (data.isReady) done(read);
      else if (data.error) lose(new Error(data.error));
      else asked.shift()?.(data.text);
    };
    thread.onerror = () => lose(new Error("the reader cannot be had"));
  });
}

let detector = null;

// Has what reads codes ready; it is asked for with the first scan. Throws where it cannot be had.
export function prepare() {
  detector ??= ofBrowser().then((found) => found || ofThread());
  detector.catch(() => { detector = null; });
  return detector;
}

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

// Shows the camera in `video` until a code is read; `found` gets its text. Returns what ends it.
export async function open(video, found) {
  const read = await prepare();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: LONGEST } } });
  let open = true;
  const close = () => {
    open = false;
    for (const track of stream.getTracks()) track.stop();
  };
  video.srcObject = stream;
  await video.play();
  (async () => {
    while (open) {
      const text = video.videoWidth ? await read(video).catch(() => null) : null;
      if (open && text) { close(); found(text); }
      await new Promise((next) => setTimeout(next, EVERY));
    }
  })();
  return close;
}

// Returns the text of the code in a photo; null: there is none that can be read.
export async function inPhoto(file) {
  const read = await prepare();
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture) return null;
  try {
    return await read(picture);
  } finally {
    picture.close();
  }
}
