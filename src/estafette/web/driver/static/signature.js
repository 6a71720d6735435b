// A signature, drawn by a finger, as a small picture with black lines on white.
import SignaturePad from "./signature_pad.js";

export function open(canvas) {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = canvas.offsetWidth * scale;
  canvas.height = canvas.offsetHeight * scale;
  canvas.getContext("2d").scale(scale, scale);
  const pad = new SignaturePad(canvas, { backgroundColor: "#fff", penColor: "#000", minWidth: 1, maxWidth: 3 });
  return {
    isEmpty: () => pad.isEmpty(),
    clear: () => pad.clear(),
    blob: () => new Promise((done) => canvas.toBlob(done, "image/png")),
  };
}
