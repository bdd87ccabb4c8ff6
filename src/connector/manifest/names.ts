/** Names that stand for something: connectors, streams, settings. Also used in addresses such as `connection:stream`. */
export const CONNECTOR_NAME = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'
export const STREAM_NAME = '^[a-z][a-z0-9_]*$'
export const SETTING_NAME = '^[a-z][a-z0-9_]*$'
