// Choosing a password, and the token of the link that allows it.

const SHORTEST_PASSWORD = 12;

/** What the field of a new password is like. */
export const NEW_PASSWORD = {
  type: "password",
  autocomplete: "new-password",
  required: true,
  minLength: SHORTEST_PASSWORD,
  hint: `At least ${SHORTEST_PASSWORD} characters; a few words make a good one.`,
} as const;

/** The token behind the # of a link, taken out of the address and the history at once. */
export function linkToken(): string {
  const token = location.hash.slice(1);
  if (token !== "") history.replaceState(null, "", location.pathname + location.search);
  return token;
}
