import { Tabs } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import './tab-strip.css'

interface Props {
  readonly label: string
  readonly tabs: readonly (readonly [value: string, words: ReactNode])[]
  /** The one that is open. */
  readonly value: string | null
}

/** Tabs in one line; on a phone it is scrolled to the one that is open. */
export function TabStrip({ label, tabs, value }: Props) {
  const strip = useRef<HTMLDivElement>(null)
  const at = tabs.findIndex(([one]) => one === value)
  useEffect(() => {
    const line = strip.current
    const open = line?.querySelectorAll<HTMLElement>('[role="tab"]')[at]
    if (!line || !open) return
    const show = () => {
      line.scrollLeft = open.offsetLeft - (line.clientWidth - open.offsetWidth) / 2
    }
    const width = new ResizeObserver(show)
    width.observe(line)
    return () => width.disconnect()
  }, [at])
  return (
    <div className="tab-strip" ref={strip}>
      <Tabs.List aria-label={label}>
        {tabs.map(([one, words]) => (
          <Tabs.Tab key={one} value={one}>
            {words}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </div>
  )
}
