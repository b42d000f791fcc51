export const handler = (event: any, context: any) => ({
  requestId: context.awsRequestId,
  name: context.functionName,
  version: context.functionVersion,
  memory: context.memoryLimitInMB,
  arn: context.invokedFunctionArn,
  logGroup: context.logGroupName,
  logStream: context.logStreamName,
  remaining: context.getRemainingTimeInMillis(),
  deadlineIn: context.deadlineMs - Date.now(),
});
