// Named places where a test makes a fault happen: ENVBUILD_FAILPOINTS="fs.before_rename=abort;net.recv=error".
#pragma once

#include <string_view>

namespace envbuild {

// Does nothing unless ENVBUILD_FAILPOINTS names this point: "abort" kills the process at once (as SIGKILL would),
// "error" throws Error(Io), "sleep:MS" waits, "N*action" lets the first N-1 passes go by. Read once per process.
// Thread-safe.
void failpoint(std::string_view name);

}  // namespace envbuild
