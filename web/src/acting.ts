// For which organization whoever looks after several acts: it stands in the address of the page, and goes along with
// every link and every request. Another one is another document, so that nothing loaded for one is shown for the other.

import { options } from "preact";

const NAME = "organizationId";

/** Null: their own. */
export const acting = new URL(location.href).searchParams.get(NAME);

/** An address of ours, for the same organization. */
export function carried(to: string): string {
  if (acting === null || !to.startsWith("/")) return to;
  const target = new URL(to, location.href);
  target.searchParams.set(NAME, acting);
  return target.pathname + target.search + target.hash;
}

/** Goes there for that organization; null: one's own. */
export function actFor(id: number | null, at: string): void {
  location.href = id === null ? at : `${at}?${NAME}=${id}`;
}

/** Lets every link carry it, also into another window; once, at the start. */
export function carryAlong(): void {
  if (acting === null) return;
  const before = options.vnode;
  options.vnode = (vnode) => {
    const props = vnode.props as { href?: unknown };
    if (vnode.type === "a" && typeof props.href === "string") props.href = carried(props.href);
    before?.(vnode);
  };
}
