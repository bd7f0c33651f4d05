import { describeSimulation } from './simulation-suite.ts';

describeSimulation(1);
