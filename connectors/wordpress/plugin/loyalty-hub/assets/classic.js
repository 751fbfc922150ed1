/**
 * The classic checkout: a choice is sent without leaving the page, so that what was typed stays.
 */
jQuery( function ( $ ) {
	$( document.body ).on( 'submit', 'form.loyalty-hub-form', function ( event ) {
		if ( ! $( 'form.checkout' ).length ) {
			return; // At the cart the page is shown anew.
		}
		event.preventDefault();
		const form = $( this );
		form.find( 'button' ).prop( 'disabled', true );
		$.post( window.loyaltyHubClassic.url, form.serialize() ).always( function () {
			$( document.body ).trigger( 'update_checkout' );
		} );
	} );
} );
