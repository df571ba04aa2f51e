// Signing in. Shown in place of any page that needs it, so that the address stays what was asked for.

import { Form, useForm } from "../parts/sending";
import { session, signIn } from "../session";

export function SignIn() {
  const { draft, change, sending, text } = useForm(() => ({ email: "", password: "" }));
  if (session.value?.setUpNeeded) return <NotSetUp />;
  const enter = async (): Promise<void> => {
    change({ password: "" });
    await signIn(draft.email, draft.password);
  };
  return (
    <div class="narrow">
      <h1>Sign in</h1>
      <Insecure />
      <Form sending={sending} send={enter} button="Sign in">
        {text("email", "E-mail address", { type: "email", autocomplete: "username", required: true, autofocus: true })}
        {text("password", "Password", { type: "password", autocomplete: "current-password", required: true })}
      </Form>
      <p class="hint">Forgot your password? An administrator of your organization can send you a link for a new one.</p>
    </div>
  );
}

/** A word on connections anybody on the way can read. */
export function Insecure() {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (!session.value?.insecure || local) return null;
  return <p class="warning">This connection is not encrypted: your password can be read on its way. Put mailprobe behind HTTPS and set MAILPROBE_PUBLIC_URL.</p>;
}

function NotSetUp() {
  return (
    <div class="narrow">
      <h1>Welcome to mailprobe</h1>
      <p>Nobody can sign in yet. Open the set-up link that mailprobe printed when it was started for the first time; it makes you its administrator.</p>
      <p>
        The link is gone? On the machine mailprobe runs on, this prints a new one:
      </p>
      <pre>mailprobe users set-up-link</pre>
    </div>
  );
}
