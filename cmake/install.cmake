# `make install`: program, libraries, headers, pkg-config file, manual pages, completions.

# The pkg-config file finds its prefix from its own place, so an installed tree can be moved.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH SLK_PC_PREFIX "/prefix/${pc_dir}" "/prefix")
string(REGEX REPLACE "/$" "" SLK_PC_PREFIX "${SLK_PC_PREFIX}")
configure_file(cmake/selkie_proofs.pc.in selkie_proofs.pc @ONLY)

install(TARGETS selkie_proofs selkie_proofs_static)
install(DIRECTORY include/selkie TYPE INCLUDE)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/selkie_proofs.pc" DESTINATION "${pc_dir}")
install(TARGETS selkie)

# Manual pages and completions have one source, the command tables of the program.
set(manual "${CMAKE_BINARY_DIR}/manual")
add_custom_command(OUTPUT "${manual}/man/selkie.1"
                   COMMAND "${CMAKE_SOURCE_DIR}/tools/write-manual" "$<TARGET_FILE:selkie>" "${manual}"
                   DEPENDS selkie "${CMAKE_SOURCE_DIR}/tools/write-manual"
                   VERBATIM COMMENT "Writing manual pages and completions")
add_custom_target(manual ALL DEPENDS "${manual}/man/selkie.1")
install(DIRECTORY "${manual}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${manual}/completion/selkie" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${manual}/completion/_selkie" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
