/** Examples of the routes that most people meet first, by operation. */
interface Story {
  readonly request?: unknown;
  readonly response?: unknown;
}

const AT_MS = 1_767_225_600_000;

export const EXAMPLES: Readonly<Record<string, Story>> = {
  getFeatures: {
    request: { service: 'airport_now', rows: [{ airport: 'ATL' }, { airport: 'nowhere' }] },
    response: {
      service: 'airport_now',
      version: 1,
      asOfMs: AT_MS,
      position: { commit: 1042 },
      versions: { airport_delays: 1 },
      freshness: {
        airport_delays: {
          newestArrivalMs: AT_MS - 120,
          stalenessMs: 120,
          objectiveMs: 5_000,
          stale: false,
        },
      },
      rows: [
        {
          key: { airport: 'ATL' },
          values: { departures_1h: 41, mean_delay_3h: 12.5 },
          statuses: { departures_1h: 'present', mean_delay_3h: 'present' },
        },
        {
          key: { airport: 'nowhere' },
          values: { departures_1h: 0, mean_delay_3h: null },
          statuses: { departures_1h: 'default', mean_delay_3h: 'default' },
        },
      ],
    },
  },
  pushEvents: {
    response: { received: 3, accepted: 3, rejected: 0, commit: 1042, rejections: [] },
  },
};
