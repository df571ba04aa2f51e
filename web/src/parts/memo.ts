// A component that is shown anew only when what it was given is another thing; a row of a list of fifty, say.

import { type ComponentType, Component, createElement } from "preact";

export function memo<P extends object>(of: (props: P) => preact.JSX.Element): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return (Object.keys(next) as (keyof P)[]).some((name) => next[name] !== this.props[name]);
    }
    override render() {
      return createElement(of, this.props);
    }
  };
}
