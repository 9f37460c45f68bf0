/** Its requests are so many that some are answered before the router, which must agree. */
export const FEATURES_PATH = '/v1/features';
