// Signing in. Shown in place of any page that needs it, so that the address stays what was asked for.

import { useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { TextField } from "../parts/field";
import { Problem } from "../parts/problem";
import { session, signIn } from "../session";

export function SignIn() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  if (session.value?.setUpNeeded) return <NotSetUp />;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(email, password);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
      setPassword("");
      setBusy(false);
    }
  };
  return (
    <form class="narrow" onSubmit={(event) => void submit(event)}>
      <h1>Sign in</h1>
      <Insecure />
      <Problem problem={problem} />
      <TextField label="E-mail address" type="email" name="email" autocomplete="username" required autofocus value={email} onText={setEmail} />
      <TextField label="Password" type="password" name="password" autocomplete="current-password" required value={password} onText={setPassword} />
      <button type="submit" class="primary" disabled={busy}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
      <p class="hint">Forgot your password? An administrator of your organization can send you a link for a new one.</p>
    </form>
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
