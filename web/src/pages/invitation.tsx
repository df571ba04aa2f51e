// Somebody who was invited, or who needs a new password: comes by a link that works once.

import { useState } from "preact/hooks";
import { NEW_PASSWORD, linkToken } from "../parts/new_password";
import { Form, useForm } from "../parts/sending";
import { go } from "../routing";
import { acceptInvitation } from "../session";
import { Insecure } from "./sign_in";

export function Invitation() {
  const [token] = useState(linkToken);
  const { draft, sending, text } = useForm(() => ({ name: "", password: "" }));
  const accept = async (): Promise<void> => {
    await acceptInvitation(token, draft.name, draft.password);
    go("/", { replace: true });
  };
  if (token === "") {
    return (
      <div class="narrow">
        <h1>Invitation</h1>
        <p>This address lacks the token of the link: open the whole link as it was sent to you.</p>
      </div>
    );
  }
  return (
    <div class="narrow">
      <h1>Welcome to mailprobe</h1>
      <p>Choose the password you will sign in with.</p>
      <Insecure />
      <Form sending={sending} send={accept} button="Save and sign in">
        {text("name", "Your name", { autocomplete: "name", required: true, autofocus: true })}
        {text("password", "Password", NEW_PASSWORD)}
      </Form>
    </div>
  );
}
