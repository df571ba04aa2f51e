// Sending a form: busy meanwhile, and what the API finds wrong with it.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { go, query, withQuery } from "../routing";
import { Dialog } from "./dialog";
import { Problem } from "./problem";

export interface Sending {
  busy: boolean;
  problem: ApiProblem | null;
  /** What is wrong with a field, by its pointer. */
  about: (pointer: string) => string | null;
  run: (act: () => Promise<unknown>) => Promise<void>;
}

export function useSending(): Sending {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const run = async (act: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
    }
    setBusy(false);
  };
  return { busy, problem, about: (pointer) => problem?.about(pointer) ?? null, run };
}

/** A form with its button and what went wrong; `more` stands beside the button. */
export function Form(props: { sending: Sending; send: () => Promise<unknown>; button: string; more?: ComponentChildren; children: ComponentChildren }) {
  const { busy, problem, run } = props.sending;
  return (
    <form
      aria-busy={busy}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void run(props.send);
      }}
    >
      {props.children}
      <Problem problem={problem} />
      <div class="actions">
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "One moment …" : props.button}
        </button>
        {props.more}
      </div>
    </form>
  );
}

/** Which entry of a list is being changed stands in the address: `?edit=<publicId>`, or `?edit=new`. */
export function editAddress(id: string): string {
  return withQuery({ edit: id });
}

export function closeEditor(): void {
  go(withQuery({ edit: null }), { replace: true });
}

/** The form over the list, for the entry the address names; `show` is handed null for a new one. */
export function Editor<Item extends { publicId: string }>(props: { items: readonly Item[] | null; titles: readonly [make: string, change: string]; show: (item: Item | null) => ComponentChildren }) {
  const id = query.value.get("edit");
  const item = props.items?.find((each) => each.publicId === id) ?? null;
  if (id === null || props.items === null || (id !== "new" && item === null)) return null;
  return (
    <Dialog key={id} title={props.titles[item ? 1 : 0]} onClose={closeEditor}>
      {props.show(item)}
    </Dialog>
  );
}
