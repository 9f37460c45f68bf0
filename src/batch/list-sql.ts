/**
 * The values of a group in the order of their places. An aggregate with an ORDER BY of its own would
 * hold a sorter for every group, which takes ten times the memory.
 */
export function inOrder(place: string, value: string, filter: string | null = null): string {
  const only = filter === null ? '' : ` FILTER (WHERE ${filter})`;
  return `list_transform(list_sort(list({p: ${place}, v: ${value}})${only}), lambda e: e.v)`;
}
