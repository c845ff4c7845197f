// Names that credentials go by: what stands behind one is not shown and not written.
#pragma once

#include <string_view>

namespace envbuild {

// Whether the name of a variable or of a key holds "token", "password", "secret" or the like; of a line of text,
// whether such a name stands in it.
[[nodiscard]] bool names_credential(std::string_view text);
// The same of a member of a URL's query, where servers take "sig", "auth" and the like too. As it is written there,
// with its percent signs.
[[nodiscard]] bool names_query_credential(std::string_view name);
// Whether the query ("a=b&c=d") has such a member with something behind it. redact() leaves out what stands there.
[[nodiscard]] bool query_holds_credential(std::string_view query);

}  // namespace envbuild
