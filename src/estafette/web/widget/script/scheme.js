// Light or dark: as the shop says, else as the page behind the widget looks.

const DARK = matchMedia("(prefers-color-scheme: dark)");

// Red, green and blue of 0…255 of a computed colour; null for one that is see-through or unusual.
function shownColour(text) {
  const [, numbers] = /^rgba?\(([^)]+)\)$/.exec(text) ?? [];
  if (!numbers) return null;
  const [red, green, blue, alpha = 1] = numbers.split(/[\s,/]+/).map(Number);
  return alpha < 0.5 ? null : [red, green, blue];
}

// A visitor may prefer dark on a shop that knows light alone: the page decides, not the preference.
function isDark(theme, target) {
  if (theme === "dark" || theme === "light") return theme === "dark";
  for (let element = target; element; element = element.parentElement) {
    const colour = shownColour(getComputedStyle(element).backgroundColor);
    if (colour) return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 110;
  }
  // Nothing is painted: the canvas is dark where the page's root says that it may be.
  const schemes = getComputedStyle(document.documentElement).colorScheme;
  return schemes.includes("dark") && (DARK.matches || !schemes.includes("light"));
}
