/** `OpenSession` in the strict binary protocol, with an empty request. */
export const openSession = Buffer.concat([
  Buffer.from('800100010000000b', 'hex'),
  Buffer.from('OpenSession'),
  Buffer.from('000000010c00010000', 'hex')
])
