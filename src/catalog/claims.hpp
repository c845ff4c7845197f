// Names: the claims, the book that they make, and the prefixes that are kept for curated environments.
#pragma once

#include "catalog/claim.hpp"              // IWYU pragma: export
#include "catalog/name_book.hpp"          // IWYU pragma: export
#include "catalog/reserved_prefixes.hpp"  // IWYU pragma: export
