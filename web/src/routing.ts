// Where the browser is: the address as signals, and going elsewhere without loading the page anew.

import { computed, signal } from "@preact/signals";
import { carried } from "./acting";

const address = signal(new URL(location.href));

export const path = computed(() => address.value.pathname);
export const query = computed(() => address.value.searchParams);

/** Goes there. `replace`: without a step of its own to come back from, for what changes with each key. */
export function go(to: string, how: { replace?: boolean } = {}): void {
  const target = new URL(carried(to), location.href);
  if (target.href === location.href) return;
  history[how.replace ? "replaceState" : "pushState"](null, "", target);
  address.value = target;
  if (!how.replace) scrollTo(0, 0);
}

/** This address with other parameters; null or empty takes one away. */
export function withQuery(changes: Readonly<Record<string, string | null>>): string {
  const changed = new URL(address.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed.pathname + changed.search;
}

/** The values of a pattern such as `/monitors/:id`; null where the address is another. */
export function matched(pattern: string, actual: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = actual === "/" ? ["", ""] : actual.replace(/\/$/, "").split("/");
  if (wanted.length !== given.length) return null;
  const values: Record<string, string> = {};
  for (const [place, part] of wanted.entries()) {
    const text = given[place] ?? "";
    if (part.startsWith(":") && text !== "") values[part.slice(1)] = decoded(text);
    else if (part !== text) return null;
  }
  return values;
}

/** Listens to the browser: its back button, and clicks on links to pages of ours. */
export function listen(): void {
  addEventListener("popstate", () => {
    address.value = new URL(location.href);
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0 || link.target !== "" || link.hasAttribute("download")) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || link.pathname.startsWith("/api/") || link.hash !== "") return;
    event.preventDefault();
    go(link.href);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
