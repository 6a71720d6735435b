// A photo as it is sent: scaled on the phone, for a network that is slow and costs money.

const LONGEST = 1600; // pixels of the longer side
const MOST_BYTES = 400000;

const blobOf = (canvas, quality) => new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));

// Returns a JPEG; null where the file is no picture that this phone can read.
export async function scaled(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  for (const longest of [LONGEST, 1200, 800]) {
    const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of [0.82, 0.6]) {
      const blob = await blobOf(canvas, quality);
      if (blob && blob.size <= MOST_BYTES) { picture.close(); return blob; }
    }
  }
  const blob = await blobOf(canvas, 0.4);
  picture.close();
  return blob;
}
