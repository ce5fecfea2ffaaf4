import { Title } from '@mantine/core'
import type { TabProps } from './tab-props.ts'

export default function ServicePrincipal({ fabric }: TabProps) {
  return <Title order={2}>ServicePrincipal of {fabric.name}</Title>
}
