// Sends visitors who come with `?campaign=NAME` to the page that `landing` in the config names for it, and tells every
// response which campaign its visitor came with. `landing` is JSON, such as {"spring": "/offers/spring"}.

import { get } from 'seawall:edge/config@0.1.0';
import { queryParam } from 'seawall:edge/request@0.1.0';
import { setHeader } from 'seawall:edge/response@0.1.0';

const bytes = new TextEncoder();

// What JavaScript throws fails the hook; its text is in the log, under SW-FN-ERROR.
function landing() {
  try {
    return JSON.parse(get('landing') ?? '{}');
  } catch (error) {
    throw `landing: ${error.message}`;
  }
}

export const onRequest = {
  handle() {
    const campaign = queryParam('campaign');
    const pages = campaign === undefined ? {} : landing();
    if (!Object.hasOwn(pages, campaign)) return { tag: 'next' };
    const headers = [
      ['location', bytes.encode(String(pages[campaign]))],
      ['cache-control', bytes.encode('no-store')],
    ];
    return { tag: 'respond', val: { status: 302, headers, body: new Uint8Array() } };
  },
};

export const onResponse = {
  handle() {
    const campaign = queryParam('campaign');
    if (campaign !== undefined) setHeader('x-campaign', bytes.encode(encodeURIComponent(campaign)));
  },
};
