/**
 * The block of offers in the editor: it shows what the server makes of it.
 */
( function () {
	window.wp.blocks.registerBlockType( 'loyalty-hub/offers', {
		edit: () => window.wp.element.createElement( window.wp.serverSideRender, { block: 'loyalty-hub/offers' } ),
		save: () => null,
	} );
} )();
