// Light or dark: as the shop says, else as the page behind the widget looks.

const DARK = matchMedia("(prefers-color-scheme: dark)");

// Red, green and blue of 0…255 of a computed colour; null for one that is see-through or unusual.
function shownColour(text) {
  const [, numbers] = /^rgba?\(([^)]+)\)$/.exec(text) ?? [];
  if (!numbers) return null;
  const [red, green, blue, alpha = 1] = numbers.split(/[\s,/]+/).map(Number);
  return alpha < 0.5 ? null : [red, green, blue];
}

// Whether black is easier to read on a colour than white (WCAG's contrast of both is the same
// where the relative luminance is 0.179).
function isBright(colour) {
  const [red, green, blue] = colour.map((part) =>
    part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}

// A visitor may prefer dark on a shop that knows light alone: the page decides, not the preference.
function isDark(theme, target) {
  if (theme === "dark" || theme === "light") return theme === "dark";
  for (let element = target; element; element = element.parentElement) {
    const colour = shownColour(getComputedStyle(element).backgroundColor);
    if (colour) return !isBright(colour);
  }
  // Nothing is painted: the canvas is dark where the page's root says that it may be.
  const schemes = getComputedStyle(document.documentElement).colorScheme;
  return schemes.includes("dark") && (DARK.matches || !schemes.includes("light"));
}
