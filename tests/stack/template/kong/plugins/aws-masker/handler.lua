-- The masking plugin of the reference stack. A real Kong loads the real plugin from here; the gateway double
-- reads VERSION and does the masking itself.
local AwsMaskerHandler = {
  VERSION = "1.0.0",
  PRIORITY = 700,
}

return AwsMaskerHandler
