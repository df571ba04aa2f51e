// Who is signed in: known once for all pages, and gone as soon as the API says so.

import { effect, signal } from "@preact/signals";
import { refused, request } from "./api/client";
import type { Session } from "./api/types";

/** Null until the first answer. */
export const session = signal<Session | null>(null);

/** Asks who is signed in; raises ApiProblem. */
export async function loadSession(): Promise<void> {
  session.value = await request<Session>("GET", "/api/session");
}

export async function signIn(email: string, password: string): Promise<void> {
  await request("POST", "/api/session", { body: { email, password } });
  await loadSession();
}

export async function signOut(): Promise<void> {
  await request("DELETE", "/api/session");
  await loadSession();
}

/** The first person of all, by the link that was printed at the first start. */
export async function setUp(token: string, email: string, name: string, password: string): Promise<void> {
  session.value = await request<Session>("POST", "/api/set-up", { body: { token, email, name, password } });
}

/** Somebody who was invited, or who forgot a password. */
export async function acceptInvitation(token: string, name: string, password: string): Promise<void> {
  session.value = await request<Session>("POST", "/api/invitations/accept", { body: { token, name, password } });
}

/** Whether this person may change monitors; the API has the last word. */
export function mayWrite(): boolean {
  return role() === "admin" || role() === "user";
}

/** Whether this person looks after people and tokens. */
export function mayRule(): boolean {
  return role() === "admin";
}

/** Whether this person may look after mailprobe itself, as long as there is one organization alone. */
export function mayOperate(): boolean {
  return mayRule() || session.value?.user?.globalRole != null;
}

/** Whether this person may pause and resume monitors. */
export function mayPause(): boolean {
  return mayWrite() || role() === "readonly";
}

/** What a person may do everywhere goes before what they may do at home. */
function role(): string | undefined {
  const user = session.value?.user;
  return user?.globalRole ?? user?.role;
}

/** A session that ended elsewhere ends here with the next refused request. */
export function followRefusals(): void {
  let seen = refused.value;
  effect(() => {
    if (refused.value === seen) return;
    seen = refused.value;
    const known = session.peek();
    if (known?.authenticated) session.value = { ...known, authenticated: false, user: null };
  });
}
