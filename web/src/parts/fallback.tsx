// What is shown of a page that cannot be shown: a fault of ours, said so, with the way out.

import { Component, type ComponentChildren } from "preact";

export class Fallback extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ failed: true });
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div class="narrow">
        <h1>This page could not be shown</h1>
        <p>That is a fault of mailprobe’s. What it says in the browser’s console helps to find it.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
