// Dark or light: as the system says, unless somebody chose otherwise in this browser.

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEPT_AS = "mailprobe-theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export const theme = signal<Theme>("system");
/** Counts the system's own changes, for what is painted and does not follow by itself. */
export const systemTurns = signal(0);

export function useKeptTheme(): void {
  apply(THEMES.find((each) => each === kept()) ?? "system");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    systemTurns.value += 1;
  });
}

export function chooseTheme(chosen: Theme): void {
  apply(chosen);
  try {
    localStorage.setItem(KEPT_AS, chosen);
  } catch {
    // A browser that keeps nothing shows it until the page is left.
  }
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}
