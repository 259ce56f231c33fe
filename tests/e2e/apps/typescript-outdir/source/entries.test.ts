import assert from 'node:assert';
import { test } from 'node:test';
import { balance } from './entries';

test('adds up', () => assert.equal(balance([{ what: 'tea', pence: 150 }]), '1.50'));
