"""The browser's side as the gateway serves it: files built from web/, and which addresses are pages of it."""
