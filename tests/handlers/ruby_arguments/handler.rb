module Shop
  class Orders
    def self.create(event:, context:)
      { body: event["body"], version: context.function_version }
    end
  end
end
