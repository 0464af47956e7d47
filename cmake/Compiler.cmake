# What every target is compiled with: the language, warnings as errors, and faster tools where they are found.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(DBB_CCACHE ccache)
if(DBB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${DBB_CCACHE})
endif()

find_program(DBB_MOLD mold)
if(DBB_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# DBB_SANITIZE is a comma separated list for -fsanitize=. The first finding ends the program: a report that scrolls by
# in a green run is not a report.
set(DBB_SANITIZE "" CACHE STRING "sanitizers, such as address,undefined")
if(DBB_SANITIZE)
  add_compile_options(-fsanitize=${DBB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DBB_SANITIZE})
endif()

# Carried by every target of ours. -Wsign-conversion stays off: with sizes and offsets in both signs it asks for casts
# that hide more than they show. -Wconversion proper (loss of value) stays on.
add_library(dbb_compile_options INTERFACE)
target_compile_options(dbb_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wno-sign-conversion
  -Wcast-qual -Wformat=2 -Wnon-virtual-dtor -Woverloaded-virtual -Wundef -Wunused -Wvla
  -Wimplicit-fallthrough -Wextra-semi
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wsuggest-override>
  $<$<CXX_COMPILER_ID:Clang>:-Winconsistent-missing-override -Wno-implicit-int-float-conversion>
  # clang 19 blames what std::stable_sort of libstdc++ 12 does inside on whoever calls it.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  # g++ 12 sees an overlap in std::string::insert and operator+ where none can be (GCC bug 105651, mended in 13), and
  # takes the empty state of a std::optional that it inlined for an uninitialised value. clang -Wall and the
  # sanitizers of the dev preset look for the real ones.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict -Wno-maybe-uninitialized>
  # Designated initialisers name the options that differ from their defaults; the rest are meant to be left out.
  -Wno-missing-field-initializers)
target_include_directories(dbb_compile_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
