/** In the order in which plans and their differences list them. */
export type DefinitionKind =
  | 'source'
  | 'entity'
  | 'view'
  | 'service'
  | 'dataset'
  | 'model'
  | 'dashboard';
