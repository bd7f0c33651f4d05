import { describeConnections } from './connections.contract.ts';

describeConnections('node');
