/** Which keys of a view an online store holds: those that are read, or so many that are read most. */
export type OnlinePlan = 'read' | { readonly top: number };

export function onlineText(online: OnlinePlan): string {
  return online === 'read' ? 'those that are read' : `the ${online.top} that are read most`;
}
