// Reads a code by the camera, where the browser can; elsewhere the driver types it.

export const can = () => "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

// Shows the camera in `video` until a code is read; `found` gets its text. Returns what ends it.
export async function open(video, found) {
  const known = await BarcodeDetector.getSupportedFormats();
  const wanted = ["qr_code", "code_128", "ean_13", "data_matrix"].filter((format) => known.includes(format));
  const detector = new BarcodeDetector({ formats: wanted });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  let open = true;
  const close = () => {
    open = false;
    for (const track of stream.getTracks()) track.stop();
  };
  video.srcObject = stream;
  await video.play();
  (async () => {
    while (open) {
      const codes = await detector.detect(video).catch(() => []);
      if (open && codes.length) { close(); found(codes[0].rawValue); }
      await new Promise((next) => setTimeout(next, 200));
    }
  })();
  return close;
}
