import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearest } from './suggest.ts';

test('a misspelt name is near the one that was meant', () => {
  const known = ['delay', 'destination', 'origin'];
  assert.equal(nearest('dealy', known), 'delay');
  assert.equal(nearest('orign', known), 'origin');
  assert.equal(nearest('destinaton', known), 'destination');
  assert.equal(nearest('fare', known), null);
  assert.equal(nearest('delay', []), null);
});

test('where nothing is near, the known names are listed, the first few of many', () => {
  assert.equal(didYouMean('dealy', ['delay']), " Did you mean 'delay'?");
  assert.equal(didYouMean('fare', ['delay', 'origin']), " Known: 'delay', 'origin'.");
  assert.equal(didYouMean('fare', []), '');
  const many = Array.from({ length: 10 }, (_, index) => `column_number_${index}`);
  assert.match(didYouMean('fare', many), /'column_number_7', and 2 more\.$/);
});
