import { describeStore } from '../../metering/store.contract.ts';
import { sqliteSuite } from './testing/sqlite-suite.ts';

describeStore(sqliteSuite);
