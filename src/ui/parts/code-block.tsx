import { Copy } from './copy.tsx'
import './code-block.css'

interface Props {
  readonly text: string
  /** What it is, for who cannot see it: `The same call as curl`. */
  readonly label: string
  readonly isWrapped?: boolean
}

/** Text for machines, to be read, scrolled and copied. */
export function CodeBlock({ text, label, isWrapped = false }: Props) {
  return (
    <div className="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section tabIndex={0} aria-label={label} data-wrap={isWrapped || undefined}>
        <pre>{text}</pre>
      </section>
      <div className="code-block-copy">
        <Copy value={text} label={`Copy: ${label}`} />
      </div>
    </div>
  )
}
