/**
 * Where a person gives what a fabric asks of them, a sign-in or a token: a path of whichever public URL they
 * come by.
 */
export function signInPathOf({ id, authMethod }: { id: string; authMethod: string }): string {
  return authMethod === 'pat' ? `/console/fabrics/${id}/connection` : `/sign-in/${id}`
}
