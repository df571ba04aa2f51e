// Choosing a password, and the token of the link that allows it.

import { TextField } from "./field";

export const SHORTEST_PASSWORD = 12;

export function NewPassword(props: { label?: string; value: string; wrong: string | null; onText: (text: string) => void }) {
  return (
    <TextField
      label={props.label ?? "Password"}
      type="password"
      name="password"
      autocomplete="new-password"
      required
      minLength={SHORTEST_PASSWORD}
      value={props.value}
      wrong={props.wrong}
      hint={`At least ${SHORTEST_PASSWORD} characters; a few words make a good one.`}
      onText={props.onText}
    />
  );
}

/** The token behind the # of a link, taken out of the address and the history at once. */
export function linkToken(): string {
  const token = location.hash.slice(1);
  if (token !== "") history.replaceState(null, "", location.pathname + location.search);
  return token;
}
