#include "net/downloader.hpp"
namespace envbuild {}
