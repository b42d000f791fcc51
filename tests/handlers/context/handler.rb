def handler(event, context)
  {
    requestId: context.aws_request_id,
    name: context.function_name,
    version: context.function_version,
    memory: context.memory_limit_in_mb,
    arn: context.invoked_function_arn,
    logGroup: context.log_group_name,
    logStream: context.log_stream_name,
    remaining: context.get_remaining_time_in_millis,
    deadlineIn: context.deadline_ms - Time.now.to_f * 1000,
  }
end
