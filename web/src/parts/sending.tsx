// Forms: what stands in their fields, sending it, and what the API finds wrong with it.

import type { ComponentChildren, ComponentProps } from "preact";
import { useState } from "preact/hooks";
import type { ApiProblem } from "../api/client";
import { asProblem } from "../api/loading";
import { go, query, withQuery } from "../routing";
import { MomentField, Several, TextArea, Tick } from "./area";
import { Dialog } from "./dialog";
import { SelectField, TextField } from "./field";
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
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return { busy, problem, about: (pointer) => problem?.about(pointer) ?? null, run };
}

type Choices = readonly (readonly [value: string, words: string])[];
type More<Field extends (props: any) => ComponentChildren> = Partial<ComponentProps<Field>>;

/** A draft and its fields, each by its name: what it holds, and what is wrong with it, where the API names it alike. */
export function useForm<Draft extends object>(start: () => Draft) {
  type Name = keyof Draft & string;
  const [draft, setDraft] = useState(start);
  const sending = useSending();
  const change = (changes: Partial<Draft> | ((before: Draft) => Partial<Draft>)): void => setDraft((before) => ({ ...before, ...(typeof changes === "function" ? changes(before) : changes) }));
  const bound = (name: Name, label: string) => ({
    label,
    value: String(draft[name]),
    wrong: sending.about(`/${name}`),
    onText: (text: string) => change({ [name]: text } as Partial<Draft>),
  });
  return {
    draft,
    change,
    sending,
    text: (name: Name, label: string, more: More<typeof TextField> = {}) => <TextField name={name} {...bound(name, label)} {...more} />,
    choice: (name: Name, label: string, options: Choices, more: More<typeof SelectField> = {}) => <SelectField {...bound(name, label)} options={options} {...more} />,
    area: (name: Name, label: string, more: More<typeof TextArea> = {}) => <TextArea {...bound(name, label)} {...more} />,
    moment: (name: Name, label: string, type: "datetime-local" | "date", more: More<typeof MomentField> = {}) => <MomentField {...bound(name, label)} type={type} {...more} />,
    several: <Value extends string | number>(name: Name, label: string, of: readonly (readonly [Value, string])[], hint?: string) => (
      <Several label={label} of={of} chosen={draft[name] as readonly Value[]} wrong={sending.about(`/${name}`)} hint={hint} onChosen={(chosen) => change({ [name]: chosen } as Partial<Draft>)} />
    ),
    tick: (name: Name, label: string) => <Tick label={label} checked={draft[name] === true} onTick={(ticked) => change({ [name]: ticked } as Partial<Draft>)} />,
  };
}

/** The choices of a customer, by number; `nobody` says what none of them means. */
export function customerChoices(customers: readonly { id: number; name: string }[], nobody: string | null): Choices {
  return [...(nobody === null ? [] : ([["", nobody]] as const)), ...customers.map(({ id, name }) => [String(id), name] as const)];
}

/** A form with its button and what went wrong; `more` stands beside the button. */
export function Form(props: { sending: Sending; send: () => Promise<unknown>; button: string; quiet?: boolean; more?: ComponentChildren; children: ComponentChildren }) {
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
        {props.more}
        <button type="submit" class={props.quiet ? "" : "primary"} disabled={busy}>
          {busy ? "One moment …" : props.button}
        </button>
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
